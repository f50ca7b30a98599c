/**
 * The paper's open-vocabulary mode: the heat map picks among proposals of depth clusters or of an open-set detector.
 */
export { clustersOnTable, DepthClusters } from "./clusters.js";
export { isExportedDetector, OnnxDetector } from "./detector.js";
export { GuidedGrounder } from "./guided.js";
export { pickProposals } from "./pick.js";
export type { Proposal, ProposalSource } from "./types.js";
