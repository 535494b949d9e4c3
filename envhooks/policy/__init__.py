"""Policy: who decides. The trust root in `.envhooks/`, read by object id from the protected branch."""
