/** The paper's open-vocabulary mode: the heat map picks among proposals of depth clusters or of an open-set detector. */
export { clustersOnTable, type DepthClusterOptions, DepthClusters } from "./clusters.js";
export { type DetectorOptions, OnnxDetector } from "./detector.js";
export { GuidedGrounder } from "./guided.js";
export { type PickOptions, pickProposals } from "./pick.js";
export type { Proposal, ProposalSource } from "./types.js";
