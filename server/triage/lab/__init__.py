"""Where the shipped model comes from: a made county, written from the field, and the training on it."""
