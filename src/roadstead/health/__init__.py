"""(Docstring to come with the package.)"""
