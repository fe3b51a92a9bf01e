"""The settings: the environment, read once into frozen values. Only this package and `main` read it."""

from handlers.edges.settings.credentials import (
    CredentialSource,
    EcsAgency,
    FunctionGraphAgency,
    Password,
    StaticKeys,
    StaticToken,
)
from handlers.edges.settings.logged import delivery_fields, public, settings_fields
from handlers.edges.settings.misspelt import empty, misspelt
from handlers.edges.settings.parsers import InvalidSetting
from handlers.edges.settings.settings import (
    SHIPPED_RULES,
    DeliverySettings,
    Settings,
    cts_endpoint,
    rules,
    signals,
    tag_form,
)

__all__ = [
    "SHIPPED_RULES",
    "CredentialSource",
    "DeliverySettings",
    "EcsAgency",
    "FunctionGraphAgency",
    "InvalidSetting",
    "Password",
    "Settings",
    "StaticKeys",
    "StaticToken",
    "cts_endpoint",
    "delivery_fields",
    "empty",
    "misspelt",
    "public",
    "rules",
    "settings_fields",
    "signals",
    "tag_form",
]
