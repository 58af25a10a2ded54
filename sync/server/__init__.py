"""The central server and the venue hub: one program, two places.

| file            | what it knows                                                                  |
|-----------------|--------------------------------------------------------------------------------|
| `settings`      | what the operator decided: database, folder, names, upstream                    |
| `tables`        | everything that is kept, as SQLAlchemy tables                                   |
| `database`      | SQLite or PostgreSQL behind one engine, and the migrations                      |
| `app`           | the program: routers, error form, start and end                                 |
"""
