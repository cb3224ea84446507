"""The farm's figures for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from api.context import Context
from api.exposition import FarmCollector

router = APIRouter(tags=["metrics"])

EXAMPLE = '# TYPE layerline_printers gauge\nlayerline_printers{state="printing"} 12.0\n'


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "The text format of Prometheus.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    },
)
def metrics(context: Context) -> Response:
    """Printers by state, jobs ended, alerts, deliveries, dropped messages, and how fresh it all is."""
    registry = CollectorRegistry()
    registry.register(FarmCollector(context.farm_view, context.live, context.outbox))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
