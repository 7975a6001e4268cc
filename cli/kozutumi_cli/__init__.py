"""What people run at a terminal: `kozutumi` for whoever checks a proof, `kubectl kozutumi` for platform operators."""
