"""Outputs: one reader of facts each. In: facts. Out: lines, tables, files. Knows no tracker."""
