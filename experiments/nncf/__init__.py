"""Our int8 beside that of NNCF, on the same fp32 file with the same calibration images, under OpenVINO."""
