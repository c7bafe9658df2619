"""What several stages share: findings, exceptions and their life, work items, letters.

Belongs here: helpers of more than one stage, pure as the stages are. Does not belong here: a stage.
"""
