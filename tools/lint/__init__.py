"""The rules of the tree. A rule is a function from a Tree to findings; each has a case that fires and one that does not in tools/tests."""
