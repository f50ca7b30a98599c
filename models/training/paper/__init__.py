"""The training recipe of the HiFi-CS paper, over frozen CLIP."""
