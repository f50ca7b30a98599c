import { testTrueSize } from "../support/true-size.js";

testTrueSize(["owlv2", "grounding-dino"]);
