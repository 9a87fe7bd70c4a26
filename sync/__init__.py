"""The offline protocol (PROTOCOL.md). Imports nothing of server/ and knows no word of the domain."""
