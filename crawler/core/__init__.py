"""Pure: no IO, no clock, no chance, no asyncio."""
