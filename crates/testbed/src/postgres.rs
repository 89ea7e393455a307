//! A throw-away PostgreSQL cluster: made from the installed programs, gone with its value.
