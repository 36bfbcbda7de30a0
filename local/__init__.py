"""The embedded default: the same program on this machine, without an AWS account.

Delete this folder and the program still deploys to AWS.
"""
