from temper.serve.http.page import FOLDER
from tests.temper.serve.serving import Running


def test_the_page_and_its_files_are_served_with_a_strict_policy(running: Running) -> None:
    reply = running.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert reply.body == (FOLDER / "index.html").read_bytes()
    assert running.get("/page/page.js").headers["content-type"].startswith("text/javascript")


def test_only_names_of_the_folder_are_opened(running: Running) -> None:
    for name in ("none.js", "..%2fapp.py", "%2e%2e", "."):
        assert running.get(f"/page/{name}").status == 404
