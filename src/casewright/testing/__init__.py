"""What tests need: of an application that uses casewright, and of an adapter that serves it."""
