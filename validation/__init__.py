"""Whether the model is any good: checks against what studies measured."""
