"""The network: backbone, preprocessing and head, and the pretrained weights of backbones."""
