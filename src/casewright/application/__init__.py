"""The application: commands, the bus that runs them, and the ports by which it speaks to stores."""
