"""The page: a thin face over `model`. Not here: any computation."""
