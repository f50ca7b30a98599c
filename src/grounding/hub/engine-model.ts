import type { BackendReport } from "../../inference/index.js";
import type { HubEngine } from "./engine.js";

/** A model in the hub's layout: what every family says of its engine. */
export abstract class HubEngineModel {
  protected readonly engine: HubEngine;

  protected constructor(engine: HubEngine) {
    this.engine = engine;
  }

  get model(): string {
    return this.engine.model;
  }

  get runsOn(): string {
    return this.engine.runsOn;
  }

  get backendReport(): BackendReport {
    return this.engine.backendReport;
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}
