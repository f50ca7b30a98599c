import { testTrueSize } from "../support/true-size.js";

// Their graphs are made and compared in about a minute each; families-large.test.ts has the others.
testTrueSize(["clipseg", "sam"]);
