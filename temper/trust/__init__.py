"""Which artifacts may run as programs: those made here, signed by a trusted key, or trusted by hand."""
