"""Where a history that has become long ends, and the cycle goes on in a new one."""

from temporalio import workflow


class ContinueAsNewNeeded(Exception):
    """The workflow is to continue as new. Raised only where nothing is asked that `Progress` does not hold."""


def continue_as_new_if_long() -> None:
    """Raises ContinueAsNewNeeded once the server says that the history is long: at a twelfth of what it allows, as a
    rule.
    """
    info = workflow.info()
    # Each place has a patch of its own: a long history of before there was any must pass those it has behind it.
    if info.is_continue_as_new_suggested() and workflow.patched(f"page-ends-{info.get_current_history_length()}"):
        raise ContinueAsNewNeeded
