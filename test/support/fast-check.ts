import fc from "fast-check";

const wanted = process.env["PROPERTY_SEED"] ?? "1";
const seed = wanted === "random" ? Date.now() : Number(wanted);
if (wanted === "random") {
  console.log(`PROPERTY_SEED=${seed} has these inputs again.`);
}

/**
 * fast-check with the same inputs in each run, so that what fails is the fault of the change. `PROPERTY_SEED=random` has
 * new ones.
 */
fc.configureGlobal({ seed });

export default fc;
