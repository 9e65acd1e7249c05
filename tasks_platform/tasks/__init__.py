"""One business area per file. These modules ship as examples and can be switched off."""
