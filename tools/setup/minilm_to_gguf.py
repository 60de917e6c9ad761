#!/usr/bin/env python3
"""Writes all-MiniLM-L6-v2 (BERT, safetensors) as a GGUF file that llama-server embeds with.

usage: minilm_to_gguf.py MODEL_DIR OUT.gguf

The result is the same bytes for the same input: no time, path or host is written. Matrices are half precision; vectors,
positions and token types stay single, as llama.cpp adds them without conversion.
Source of the rules: llama.cpp's gguf-py (names of keys and tensors), its BERT tokenizer (word starts carry U+2581).
"""
import json
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file

WORD_START = "\u2581"


def read_json(folder, name):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def write_shape(out, config):
    out.add_type("model")
    out.add_name("all-MiniLM-L6-v2")
    out.add_license("apache-2.0")
    out.add_size_label("22M")
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    out.add_block_count(config["num_hidden_layers"])
    out.add_context_length(config["max_position_embeddings"])
    out.add_embedding_length(config["hidden_size"])
    out.add_feed_forward_length(config["intermediate_size"])
    out.add_head_count(config["num_attention_heads"])
    out.add_layer_norm_eps(config["layer_norm_eps"])
    out.add_token_type_count(config["type_vocab_size"])
    out.add_causal_attention(False)
    out.add_pooling_type(gguf.PoolingType.MEAN)


def spelled(text, is_special):
    """A WordPiece token as llama.cpp looks it up: continuations lose `##`, word starts gain U+2581."""
    if is_special:
        return text
    return text[2:] if text.startswith("##") else WORD_START + text


def write_vocabulary(out, tokenizer, size):
    ids = tokenizer["model"]["vocab"]
    by_id = sorted(ids, key=ids.get)
    if [ids[text] for text in by_id] != list(range(size)):
        sys.exit("minilm_to_gguf: the vocabulary has holes")
    special = {token["id"] for token in tokenizer["added_tokens"] if token["special"]}
    out.add_tokenizer_model("bert")
    out.add_tokenizer_pre("bert-bge")
    out.add_token_list([spelled(text, i in special) for i, text in enumerate(by_id)])
    out.add_token_types([gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(size)])
    out.add_bos_token_id(ids["[CLS]"])
    out.add_eos_token_id(ids["[SEP]"])
    out.add_sep_token_id(ids["[SEP]"])
    out.add_unk_token_id(ids["[UNK]"])
    out.add_pad_token_id(ids["[PAD]"])
    out.add_mask_token_id(ids["[MASK]"])


def write_tensors(out, tensors, layers):
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    for name in sorted(tensors):
        if name.endswith("position_ids") or name.startswith("pooler."):
            continue  # a constant, and a head that mean pooling does not use
        new = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if new is None:
            sys.exit(f"minilm_to_gguf: {name} has no place in GGUF's BERT")
        single = tensors[name].ndim == 1 or new.startswith(("position_embd", "token_types"))
        out.add_tensor(new, tensors[name].astype(np.float32 if single else np.float16))


def main():
    model, target = Path(sys.argv[1]), sys.argv[2]
    config, pooling = read_json(model, "config.json"), read_json(model, "1_Pooling/config.json")
    if config["model_type"] != "bert" or not pooling["pooling_mode_mean_tokens"]:
        sys.exit("minilm_to_gguf: not a BERT model with mean pooling")
    out = gguf.GGUFWriter(target, "bert")
    write_shape(out, config)
    write_vocabulary(out, read_json(model, "tokenizer.json"), config["vocab_size"])
    write_tensors(out, load_file(model / "model.safetensors"), config["num_hidden_layers"])
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main()
