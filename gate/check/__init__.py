"""`gatectl check`: what is wrong with this machine and its lane, each with a code, a cause and a fix.

Each file looks after one concern and has two functions: `gather(around)` reads what there is to read and returns facts,
`None` where there is nothing to judge; `judge(facts)` is plain and says what is wrong, so that a table can hold it.
`catalogue` has the codes, `words/*.toml` what they mean, `walk` goes through them all.
"""
