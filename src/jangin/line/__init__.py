"""Production lines: a declared plant, three engines behind one result, and stations that carry evidence."""
