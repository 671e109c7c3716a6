"""A new user's way to models that the hub runs itself: uploads them, has one answered to every client, and prints what came as JSON."""
import json
import os
import sys

import openai
from huggingface_hub import HfApi, InferenceClient
from huggingface_hub.errors import HfHubHTTPError

hub, folder = os.environ["HUB"], os.environ["MODELS"]
out = {}
if sys.argv[1] == "upload":
    api = HfApi(endpoint=hub, token=os.environ["TOKEN"])
    for name in sorted(os.listdir(folder)):
        api.create_repo(f"acme/{name}", private=True)
        api.upload_folder(repo_id=f"acme/{name}", folder_path=f"{folder}/{name}", commit_message="A model")
    info = api.model_info("acme/sentences")
    out = {"private": info.private, "files": sorted(file.rfilename for file in info.siblings)}
else:
    token, weak = os.environ["TOKEN"], os.environ["WEAK"]

    def ask(name, key=token):
        return InferenceClient(model=f"{hub}/models/acme/{name}", token=key, timeout=60)

    out["features"] = ask("sentences/pipeline/feature-extraction").feature_extraction("the dog").tolist()
    out["similarity"] = ask("sentences").sentence_similarity("the dog", other_sentences=["the dog", "a city"])
    client = openai.OpenAI(base_url=f"{hub}/v1", api_key=token, max_retries=0)
    out["models"] = sorted(model.id for model in client.models.list())
    vectors = client.embeddings.create(model="acme/sentences", input=["the dog", "dog"])
    out["openai"] = [len(vectors.data), vectors.data[0].embedding, vectors.usage.prompt_tokens]
    try:
        ask("sentences", weak).sentence_similarity("the dog", other_sentences=["dog"])
    except HfHubHTTPError as error:
        out["weak"] = [error.response.status_code, str(error)]
    try:
        openai.OpenAI(base_url=f"{hub}/v1", api_key=weak, max_retries=0).embeddings.create(model="acme/sentences", input="a")
    except openai.PermissionDeniedError as error:
        out["weak_openai"] = [error.code, str(error)]
    if len(sys.argv) > 2:
        said = ask("sentiment").text_classification("a good cat")
        out["sentiment"] = [one.label for one in said]
        out["entities"] = [
            [one.entity_group, one.word, one.start, one.end] for one in ask("entities").token_classification("Ada lives in Paris.")
        ]
        out["mask"] = [one.token_str for one in ask("mask").fill_mask("the [MASK] sat", top_k=2)]
        answer = ask("answers").question_answering(question="Where is Ada?", context="Ada lives in Paris.")
        out["answer"] = [answer.answer, answer.start, answer.end]
        zero = ask("entailment").zero_shot_classification("the cat sat", candidate_labels=["city", "animal"])
        out["zero_shot"] = [one.label for one in zero]
        out["summary"] = ask("rewriting/pipeline/summarization").summarization("the cat sat").summary_text
        out["translation"] = ask("rewriting/pipeline/translation").translation("the cat sat").translation_text
        out["generated"] = ask("letters").text_generation("a b", max_new_tokens=2)
        letters = ask("letters")
        parts = list(letters.text_generation("a b", max_new_tokens=2, stream=True, details=True))
        said = "".join(part.token.text for part in parts).strip()
        out["generated_stream"] = [said, parts[-1].details.finish_reason, parts[-1].details.generated_tokens]
        with open(os.environ["PICTURE"], "rb") as picture:
            out["picture"] = [one.label for one in ask("colours").image_classification(picture.read())]
        out["picture_top"] = [one.label for one in ask("colours").image_classification(os.environ["PICTURE"], top_k=1)]
        chat = InferenceClient(base_url=f"{hub}/v1", api_key=token)
        messages = [{"role": "user", "content": "a"}]
        out["chat"] = chat.chat_completion(messages, model="acme/letters").choices[0].message.content
        stream = chat.chat_completion(messages, model="acme/letters", stream=True)
        out["streamed"] = "".join(part.choices[0].delta.content or "" for part in stream if part.choices)
        events = client.chat.completions.create(model="acme/letters", messages=messages, stream=True)
        out["openai_streamed"] = "".join(event.choices[0].delta.content or "" for event in events if event.choices)
print(json.dumps(out))
