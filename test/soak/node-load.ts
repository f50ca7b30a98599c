import type { Random } from "../../src/geometry/index.js";
import type { Peer } from "../ros/support/peer.js";
import { sleep, until } from "./program.js";

const nouns = ["the red box", "the blue box on the left", "a mug", "nothing at all"];

/** Random use of the running node over DDS, with a camera and a TF tree that fail. */
export class NodeLoad {
  answered = 0;
  refused = 0;
  readonly violations: string[] = [];
  readonly #peer: Peer;
  readonly #random: Random;

  constructor(peer: Peer, random: Random) {
    this.#peer = peer;
    this.#random = random;
  }

  async begin(): Promise<void> {
    await this.#camera();
    await this.#works();
  }

  readonly acts: Readonly<Record<string, () => Promise<void>>> = {
    query: () => this.#peer.do("query", { text: this.#pick(nouns) }),
    ground: async () => {
      const { success, message } = await this.#peer.do("ground", {
        query: this.#pick(nouns),
        timeout: 20,
        wait: 40,
      });
      if (success) this.answered++;
      else {
        this.refused++;
        if (!/;/.test(message)) this.violations.push(`a refusal without a remedy: ${message}`);
      }
    },
    grasp: async () => {
      // No execution is allowed: a goal that asks for it has to end without any motion.
      const execute = this.#random() < 0.5;
      const cancel = this.#random() < 0.3 ? { cancel_after: 0.1 } : {};
      const goal = { query: this.#pick(nouns), execute, timeout: 20, wait: 40, ...cancel };
      const { accepted, result } = await this.#peer.do("grasp", goal);
      if (execute && accepted && result?.executed === true)
        this.violations.push("a goal was executed that may not be");
    },
    cameraDropsOut: async () => {
      await this.#peer.do("camera_off");
      await sleep(300 + 1_000 * this.#random());
      await this.#camera();
      await this.#works();
    },
    clockJumps: async () => {
      for (const stamp_offset of [this.#random() * 7200 - 3600, 0]) {
        await this.#peer.do("camera", { rate: 5, stamp_offset });
        await sleep(400);
      }
      await this.#camera();
      await this.#works();
    },
    tfDropsOut: async () => {
      // Grasps are asked for in a frame that TF knows now and then only.
      const xyz = [0.1, 0, 0.5];
      for (const known of [false, true]) {
        if (known)
          await this.#peer.do("tf", {
            parent: "base",
            child: "camera_color_optical_frame",
            xyz,
            xyzw: [0, 0, 0, 1],
            fixed: true,
          });
        await this.#peer.do("grasp", {
          query: "the red box",
          target_frame: known ? "base" : "nowhere",
          timeout: 20,
          wait: 40,
        });
      }
    },
    hostile: async () => {
      for (let i = 0; i < 5; i++) {
        await this.#peer.do("send_image", { topic: "colour", bytes_: Math.floor(this.#random() * 300) });
        await this.#peer.do("query_bytes", { data: Buffer.from([0xff, 0xfe, i, 0]).toString("base64") });
      }
      await this.#works();
    },
    lifecycle: async () => {
      await this.#peer.do("change", { transition: 4 });
      await this.#peer.do("ground", { query: "a mug", timeout: 1, wait: 20 });
      await this.#peer.do("change", { transition: 3 });
      await this.#works();
    },
  };

  #camera(): Promise<unknown> {
    return this.#peer.do("camera", { rate: 5 });
  }

  /** The next good images are answered. */
  #works(): Promise<void> {
    return until("the node answers again", 60, async () => {
      const { success } = await this.#peer.do("ground", { query: "the red box", timeout: 5, wait: 30 });
      return success === true;
    });
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }
}
