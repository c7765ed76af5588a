"""Where a history that has become long ends, and the cycle goes on in a new one."""

from temporalio import workflow


class PageIsFull(Exception):
    """The workflow is to continue as new. Raised only where nothing is asked that `Progress` does not hold."""


def turn_page_if_full() -> None:
    """Raises PageIsFull once the server says that the history is long: at a twelfth of what it allows, by default."""
    info = workflow.info()
    # Each place has a patch of its own: a long history of before there was any must pass those it has behind it.
    if info.is_continue_as_new_suggested() and workflow.patched(f"page-ends-{info.get_current_history_length()}"):
        raise PageIsFull
