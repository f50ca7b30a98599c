// Under `npm run coverage` the processes that tests start write down which lines they ran, as the tests' own process does.
if (process.env.GRASP_GROUNDING_COVERAGE !== undefined)
  process.env.NODE_V8_COVERAGE = process.env.GRASP_GROUNDING_COVERAGE;
