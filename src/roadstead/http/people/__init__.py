"""Those who work together, and those who use a product.

Files:
    organizations  organizations and their members; ``teams`` the teams of products
    invitations    letters that make members
    roles, plans   the permission table and the plan table, to read
    customers      the end users of a product, in three kinds
    people_parts   shapes shared by these

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
