"""The one place where domain errors become HTTP: status, RFC 9457 problem document, sentence.

The sentence in `error` is for the person in front of the page, in Russian, English or Czech; `detail` is
English, for developers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from gateway import errors

PROBLEM = "application/problem+json"
DEFAULT_LANGUAGE = "en"

STATUS: Mapping[type[errors.GatewayError], int] = {
    errors.GatewayError: 500,
    errors.Malformed: 400,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.Unacceptable: 422,  # never 406: to WHEP players that means something else
    errors.Unauthenticated: 401,
    errors.WrongCredentials: 401,
    errors.AccessExpired: 403,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionRequired: 428,
    errors.PreconditionFailed: 412,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "internal": {
        "en": "Something went wrong on our side. Please try again.",
        "ru": "На сервере произошла ошибка. Попробуйте ещё раз.",
        "cs": "Na naší straně došlo k chybě. Zkuste to prosím znovu.",
    },
    "malformed": {
        "en": "The request could not be read.",
        "ru": "Запрос не удалось прочитать.",
        "cs": "Požadavek se nepodařilo přečíst.",
    },
    "too_large": {
        "en": "The request is too large.",
        "ru": "Запрос слишком большой.",
        "cs": "Požadavek je příliš velký.",
    },
    "unsupported_type": {
        "en": "This type of content is not accepted here.",
        "ru": "Такой тип данных здесь не принимается.",
        "cs": "Tento typ obsahu zde není přijímán.",
    },
    "unacceptable": {
        "en": "Your program and the server found no common media format.",
        "ru": "Ваша программа и сервер не нашли общего формата видео и звука.",
        "cs": "Váš program a server nenašly společný formát obrazu a zvuku.",
    },
    "unknown_layer": {
        "en": "This picture quality is not on offer.",
        "ru": "Такого качества изображения сейчас нет.",
        "cs": "Tato kvalita obrazu není v nabídce.",
    },
    "invalid_token": {
        "en": "Please log in again: your access is not valid or has ended.",
        "ru": "Войдите ещё раз: доступ недействителен или закончился.",
        "cs": "Přihlaste se prosím znovu: přístup není platný nebo skončil.",
    },
    "wrong_credentials": {
        "en": "Wrong login or password.",
        "ru": "Неверный логин или пароль.",
        "cs": "Nesprávné přihlašovací jméno nebo heslo.",
    },
    "access_expired": {
        "en": "Your access has expired. Ask the workshop for a new one.",
        "ru": "Срок доступа истёк. Попросите у мастерской новый.",
        "cs": "Platnost přístupu vypršela. Požádejte servis o nový.",
    },
    "forbidden": {
        "en": "Your access does not include this.",
        "ru": "Ваш доступ этого не разрешает.",
        "cs": "Váš přístup toto neumožňuje.",
    },
    "kicked": {
        "en": "The technician has removed you from this broadcast. Please try again in ten minutes.",
        "ru": "Мастер удалил вас из этой трансляции. Попробуйте снова через десять минут.",
        "cs": "Technik vás z tohoto přenosu vyloučil. Zkuste to prosím znovu za deset minut.",
    },
    "not_found": {
        "en": "There is nothing here, or it has already ended.",
        "ru": "Здесь ничего нет, или оно уже завершено.",
        "cs": "Zde nic není, nebo to již skončilo.",
    },
    "conflict": {
        "en": "Somebody else is broadcasting here right now.",
        "ru": "Здесь уже идёт трансляция с другого устройства.",
        "cs": "Právě zde vysílá někdo jiný.",
    },
    "not_live": {
        "en": "The broadcast has not started yet.",
        "ru": "Трансляция ещё не началась.",
        "cs": "Přenos ještě nezačal.",
    },
    "talk_refused": {
        "en": "Speaking is not possible right now.",
        "ru": "Сейчас говорить нельзя.",
        "cs": "Teď není možné mluvit.",
    },
    "talk_waiting": {
        "en": "You are in the queue. Please wait until the technician lets you speak.",
        "ru": "Вы в очереди. Подождите, пока мастер даст вам слово.",
        "cs": "Jste ve frontě. Počkejte prosím, až vám technik dá slovo.",
    },
    "talk_off": {
        "en": "The technician has switched conversation off.",
        "ru": "Мастер отключил разговор.",
        "cs": "Technik vypnul možnost mluvit.",
    },
    "talk_muted": {
        "en": "The technician has muted this microphone.",
        "ru": "Мастер выключил этот микрофон.",
        "cs": "Technik tento mikrofon ztlumil.",
    },
    "talk_full": {
        "en": "Too many people want to speak. Please try again in a moment.",
        "ru": "Слишком много желающих говорить. Попробуйте чуть позже.",
        "cs": "Mluvit chce příliš mnoho lidí. Zkuste to prosím za chvíli.",
    },
    "conversation_full": {
        "en": "No more messages or markers fit into this order.",
        "ru": "В этом заказе больше нет места для сообщений и отметок.",
        "cs": "Do této zakázky se už nevejdou další zprávy ani značky.",
    },
    "precondition_required": {
        "en": "The request must say which connection it restarts.",
        "ru": "В запросе не указано, какое соединение перезапустить.",
        "cs": "V požadavku chybí, které spojení se má obnovit.",
    },
    "precondition_failed": {
        "en": "The connection has changed in the meantime.",
        "ru": "Соединение тем временем изменилось.",
        "cs": "Spojení se mezitím změnilo.",
    },
    "rate_limited": {
        "en": "Too many attempts. Please wait a little.",
        "ru": "Слишком много попыток. Подождите немного.",
        "cs": "Příliš mnoho pokusů. Chvíli prosím počkejte.",
    },
    "unavailable": {
        "en": "The server is busy or restarting. Please try again in a moment.",
        "ru": "Сервер занят или перезапускается. Попробуйте чуть позже.",
        "cs": "Server je vytížený nebo se restartuje. Zkuste to prosím za chvíli.",
    },
    "method_not_allowed": {
        "en": "This address does not take such requests.",
        "ru": "По этому адресу такие запросы не принимаются.",
        "cs": "Tato adresa takové požadavky nepřijímá.",
    },
    "request_timeout": {
        "en": "The request took too long to arrive.",
        "ru": "Запрос передавался слишком долго.",
        "cs": "Požadavek se přenášel příliš dlouho.",
    },
}

_CODE_OF_STATUS: Mapping[int, str] = {
    401: "invalid_token",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_type",
    422: "unacceptable",
    429: "rate_limited",
    503: "unavailable",
}


def status_of(error: type[errors.GatewayError]) -> int:
    """The HTTP status of a domain error: its own row in the table or that of its nearest base."""
    return next(STATUS[base] for base in error.__mro__ if base in STATUS)


def sentence(code: str, language: str = DEFAULT_LANGUAGE) -> str:
    """What to tell a person; an unknown code or language falls back rather than fails."""
    sentences = SENTENCES.get(code, SENTENCES["internal"])
    return sentences.get(language, sentences[DEFAULT_LANGUAGE])


def preferred_language(accept_language: str | None) -> str:
    """The best of ru, en, cs by an Accept-Language value (RFC 9110 section 12.5.4); en if none fits."""
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for item in (accept_language or "")[:512].split(","):
        tag, _, parameters = item.partition(";")
        language = tag.strip().lower().partition("-")[0]
        quality = _quality(parameters)
        if language in SENTENCES["internal"] and quality > best_quality:
            best, best_quality = language, quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


def problem_response(error: errors.GatewayError, accept_language: str | None = None) -> web.Response:
    """The answer to a request that raised `error`."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = retry_after(error.retry_after)
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    elif isinstance(error, errors.WrongCredentials):
        headers["WWW-Authenticate"] = "Bearer"  # never Basic: a browser would prompt
    return problem(
        status_of(type(error)),
        error.code,
        detail=error.detail,
        accept_language=accept_language,
        headers=headers,
    )


def http_problem(error: web.HTTPException, accept_language: str | None = None) -> web.Response:
    """The answer in place of one of aiohttp's own 4xx and 5xx pages; keeps Allow."""
    code = _CODE_OF_STATUS.get(error.status, "malformed" if error.status < 500 else "internal")
    headers = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    return problem(error.status, code, accept_language=accept_language, headers=headers)


def problem(
    status: int,
    code: str,
    *,
    detail: str = "",
    accept_language: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """An RFC 9457 problem document with our members `code` and `error`."""
    language = preferred_language(accept_language)
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "error": sentence(code, language),
    }
    if detail:
        document["detail"] = detail
    return web.json_response(
        document,
        status=status,
        content_type=PROBLEM,
        headers={"Content-Language": language, "Cache-Control": "no-store", **(headers or {})},
    )


def retry_after(seconds: float) -> str:
    """Whole seconds, at least one."""
    return str(max(1, math.ceil(seconds)))
