"""Case closure and financial transition: the night that moves arrears from CSA systems to CMS.

Each folder here is one room of the house: `domain` (vocabulary and rulings), `landing` (what comes in), `gates` (what is
checked), `stages` (what is decided), `store` (what is kept), `outbound` (what goes out), `night` (the shell around them).
"""
