"""Calls the Responses API of a model that the hub runs, by the unmodified `openai` package, and prints what it made of the answers."""
import asyncio
import json
import os
import sys
import warnings

import openai
from openai.types.responses import Response

# What comes back has to be what the package's own types say; else it would build objects of anything.
warnings.simplefilter("error")
hub, token, model, endless = os.environ["HUB"], os.environ["TOKEN"], os.environ["MODEL"], os.environ["ENDLESS"]
client = openai.OpenAI(base_url=f"{hub}/v1", api_key=token, max_retries=0)
out = {}


def strict(response):
    return Response.model_validate(response.to_dict(), strict=True)


def refused(**asked):
    try:
        client.responses.create(model=model, **asked)
    except openai.BadRequestError as error:
        return [error.status_code, error.code, str(error)]
    raise SystemExit(f"Not refused: {asked}")


if sys.argv[1] == "whole":
    first = strict(client.responses.create(model=model, input="a", instructions="the", metadata={"run": "7"}, user="u1"))
    out["first"] = [first.output_text, first.status, first.usage.input_tokens, first.usage.output_tokens, first.metadata]
    messages = [
        {"role": "developer", "content": "the"},
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
    ]
    # As guides have it: the output is put behind the input, and more is asked.
    messages += first.output
    messages.append({"role": "user", "content": "b"})
    second = strict(client.responses.create(model=model, input=messages, store=False, temperature=0, top_p=1, max_output_tokens=2))
    out["second"] = [second.output_text, second.status, second.incomplete_details.reason, second.usage.total_tokens]
    out["dumped"] = client.responses.create(
        model=model, input=[*(item.model_dump() for item in first.output), {"role": "user", "content": "c"}]
    ).output_text
    out["at_address"] = openai.OpenAI(base_url=f"{hub}/models/{model}/v1", api_key=token).responses.create(
        model="x", input="a"
    ).output_text

    async def asynchronous():
        async with openai.AsyncOpenAI(base_url=f"{hub}/v1", api_key=token) as other:
            return (await other.responses.create(model=model, input="a")).output_text

    out["async"] = asyncio.run(asynchronous())
    out["stored"] = refused(input="a", store=True)
    out["previous"] = refused(input="a", previous_response_id=first.id)
    out["tools"] = refused(input="a", tools=[{"type": "web_search"}])
    out["image"] = refused(
        input=[{"role": "user", "content": [{"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"}]}]
    )
    try:
        client.responses.retrieve(first.id)
    except openai.NotFoundError as error:
        out["retrieved"] = error.status_code

if sys.argv[1] == "stream":
    events = list(client.responses.create(model=model, input="a", stream=True))
    for event in events:
        type(event).model_validate(event.to_dict(), strict=True)
    out["types"] = [event.type for event in events]
    out["numbers"] = [event.sequence_number for event in events]
    out["text"] = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    with client.responses.stream(model=model, input="a") as stream:
        out["snapshots"] = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    out["final"] = [strict(final).output_text, final.usage.total_tokens]
    last = list(client.responses.create(model=model, input="a", stream=True, max_output_tokens=2))[-1]
    out["cut"] = [last.type, last.response.output_text, last.response.incomplete_details.reason]

if sys.argv[1] == "broken":
    seen = []
    try:
        for event in client.responses.create(model=endless, input="a", stream=True, max_output_tokens=4096):
            seen.append(event)
            if event.type == "response.output_text.delta" and len(seen) == 5:
                os.kill(int(os.environ["KILL"]), 9)
    except openai.APIError as error:
        out["raised"] = [error.code, error.message]
    out["last"] = [seen[-1].type, seen[-1].response.status, seen[-1].response.error.code]

if sys.argv[1] == "leave":
    with client.responses.stream(model=endless, input="a", max_output_tokens=4096) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                break
    out["left"] = True
print(json.dumps(out))
