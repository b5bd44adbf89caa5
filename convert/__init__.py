"""model.keras to the formats that runtimes read, each artifact verified before it is published."""
