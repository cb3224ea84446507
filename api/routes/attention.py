"""What needs a look or a hand."""

from fastapi import APIRouter

from api import schemas, views
from api.context import Context

router = APIRouter(tags=["attention"])


@router.get("/attention", summary="What needs a look or a hand, most urgent first")
def list_needs(context: Context) -> schemas.AttentionRecord:
    """Printers in trouble, jobs that hang, beds to clear, two printers under one prefix, dropped messages."""
    return views.attention_view(context.farm_view.attention())
