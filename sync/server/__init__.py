"""The central server and the venue hub: one program, two places.

| file            | what it knows                                                                  |
|-----------------|--------------------------------------------------------------------------------|
| `settings`      | what the operator decided: database, folder, names, upstream                    |
| `tables`        | everything that is kept, as SQLAlchemy tables                                   |
| `database`      | SQLite or PostgreSQL behind one engine, and the migrations                      |
| `app`, `edge`   | the program: routers, error form, limits, start and end                         |
| `process`       | TLS, sockets and workers                                                        |
| `site`, `authority` | this installation's name, and the certificates it gives                       |
| `enrolment`, `codes` | how a box becomes a device                                                  |
| `accounts`, `sessions`, `permissions` | people, how they log in, what they may do             |
"""
