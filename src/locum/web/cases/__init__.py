"""Pages for whoever asks and whoever decides: /cases, /cases/ask, a case, its review.

    pages.py      lists, and a case as it stands       told.py     from a case to the words of a page
    asking.py     the form, its preview, filing        form.py     the fields of the form
    reviewing.py  what will happen, and a decision

Each page asks the desk whose case it is; for everybody else there is no such case. Nothing here judges.
"""

from locum.web.cases.pages import CasePages

__all__ = ["CasePages"]
