"""Chips of electronic travel documents (ICAO Doc 9303): opening, reading and judging them, and one simulated.

| file        | what it knows                                                       |
|-------------|---------------------------------------------------------------------|
| `mrz`       | the machine readable zone, its check digits, the secrets made of it |
| `keys`      | key derivation, padding, MACs                                       |
| `curves`    | named elliptic curves with point arithmetic                         |
| `tlv`       | BER-TLV, strict and bounded                                         |
| `apdu`      | commands and responses; `Chip`, the wire; `Channel`, plain or secured |
| `messaging` | secure messaging                                                    |
| `bac` `pace`| the two ways to open a chip                                         |
| `files`     | the files on the chip and what stands in them                       |
| `security`  | SecurityInfos and public keys, as the chip writes them              |
| `sod` `passive` | the signed hashes, and whom they are signed by                  |
| `chip`      | proofs that the chip is no copy                                     |
| `read`      | all of it in order: `read_document`                                 |
| `issue` `document` | a simulated document, the other end of the wire              |
| `presenter` | its holder, who lays it on a reader and shows its page              |
| `folder`    | the folder of country certificates                                 |
"""
