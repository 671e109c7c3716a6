"""Calls models of a hub as people do, with unmodified clients, and prints what came as JSON: openai (sync and async), huggingface_hub in both forms."""
import asyncio
import json
import os

import openai
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError

hub, token, weak = os.environ["HUB"], os.environ["TOKEN"], os.environ["WEAK"]
chat, embed = os.environ["CHAT"], os.environ["EMBED"]
messages = [{"role": "user", "content": "a b c"}]
out = {}

client = openai.OpenAI(base_url=f"{hub}/v1", api_key=token, max_retries=0)
out["models"] = sorted(model.id for model in client.models.list())
out["retrieved"] = client.models.retrieve(chat).id
whole = client.chat.completions.create(model=chat, messages=messages, max_tokens=8, temperature=0, seed=1)
out["chat"] = [whole.choices[0].message.content, whole.usage.completion_tokens]
parts, counted = [], None
for event in client.chat.completions.create(
    model=chat, messages=messages, max_tokens=8, temperature=0, seed=1, stream=True, stream_options={"include_usage": True}
):
    if event.choices and event.choices[0].delta.content:
        parts.append(event.choices[0].delta.content)
    counted = event.usage or counted
out["streamed"] = ["".join(parts), counted.completion_tokens]
out["completion"] = client.completions.create(model=chat, prompt="a b", max_tokens=4).usage.completion_tokens
out["embedding"] = client.embeddings.create(model=embed, input=["abc"], encoding_format="float").data[0].embedding


async def later():
    other = openai.AsyncOpenAI(base_url=f"{hub}/v1", api_key=token, max_retries=0)
    stream = await other.chat.completions.create(model=chat, messages=messages, max_tokens=8, temperature=0, seed=1, stream=True)
    text = "".join([event.choices[0].delta.content or "" async for event in stream if event.choices])
    hf = AsyncInferenceClient(base_url=f"{hub}/v1", api_key=token)
    said = await hf.chat_completion(messages, model=chat, max_tokens=4)
    by_url = AsyncInferenceClient(model=f"{hub}/models/{chat}", token=token)
    streamed = await by_url.chat_completion(messages, max_tokens=4, temperature=0, stream=True)
    events = [event async for event in streamed]
    vectors = AsyncInferenceClient(model=f"{hub}/models/{embed}", token=token)
    embedded = await vectors.feature_extraction("abc")
    near = await vectors.sentence_similarity("a", other_sentences=["a", "bbb"])
    try:
        await AsyncInferenceClient(model=f"{hub}/models/{embed}", token=weak).feature_extraction("abc")
        denied = None
    except HfHubHTTPError as error:
        denied = [error.response.status_code, str(error)]
    return [text, said.usage.completion_tokens, len(events) > 1, embedded.tolist(), len(near), denied]


out["async"] = asyncio.run(later())


def refused(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, str(error.body.get("code"))]
    except HfHubHTTPError as error:
        return [type(error).__name__, error.response.status_code, str(error)]


def with_key(key):
    return openai.OpenAI(base_url=f"{hub}/v1", api_key=key, max_retries=0)


out["unknown"] = refused(lambda: client.chat.completions.create(model="acme/none", messages=messages))
out["nobody"] = refused(lambda: with_key("hf_" + "x" * 37).models.list())
out["weak"] = refused(lambda: with_key(weak).chat.completions.create(model=chat, messages=messages))
out["bad"] = refused(lambda: client.chat.completions.create(model=chat, messages="none"))

hf = InferenceClient(base_url=f"{hub}/v1", api_key=token)
out["hf_base_url"] = hf.chat_completion(messages, model=chat, max_tokens=4).usage.completion_tokens
by_url = InferenceClient(model=f"{hub}/models/{chat}", token=token)
out["hf_model"] = by_url.chat_completion(messages, max_tokens=4).usage.completion_tokens
# Without chance: what the words of a model that nobody trained come to is no matter of luck.
out["hf_stream"] = len(list(by_url.chat_completion(messages, max_tokens=4, temperature=0, stream=True))) > 1
out["hf_text"] = isinstance(by_url.text_generation("a b", max_new_tokens=4), str)
pieces = list(by_url.text_generation("a b", max_new_tokens=4, do_sample=False, stream=True, details=True))
whole = by_url.text_generation("a b", max_new_tokens=4, do_sample=False, details=True)
out["hf_text_stream"] = [
    "".join(piece.token.text for piece in pieces) == pieces[-1].generated_text == whole.generated_text,
    len(pieces) > 2,
    pieces[-1].details.finish_reason,
    pieces[-1].details.generated_tokens,
    whole.details.generated_tokens,
]
vectors = InferenceClient(model=f"{hub}/models/{embed}", token=token)
out["hf_features"] = vectors.feature_extraction("abc").tolist()
out["hf_weak"] = refused(lambda: InferenceClient(model=f"{hub}/models/{embed}", token=weak).feature_extraction("abc"))
print(json.dumps(out))
