"""Token ids of the sentences on stdin (a JSON array), by the plain reference and by Hugging Face's tokenizers library.

    clip_tokens.py TOKENIZER_JSON   writes the tokenizer.json and prints {"reference": [[...]], "library": [[...]]}
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

from export.vocabulary import ReferenceTokenizer, read_merges, tokenizer_json  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

path = Path(sys.argv[1])
merges = read_merges()
path.write_text(tokenizer_json(merges), encoding="utf-8")
sentences = json.load(sys.stdin)
reference = ReferenceTokenizer(merges)
library = Tokenizer.from_file(str(path))
print(
    json.dumps(
        {
            "reference": [reference.encode(sentence) for sentence in sentences],
            "library": [library.encode(sentence).ids for sentence in sentences],
        }
    )
)
