"""The emulator keeps the rules of GitHub's cache service."""

import http.client
import json
import time
import unittest
import urllib.error

from tests.github import messages
from tests.github.running import MAIN, READ_ONLY, READ_WRITE, TWIRP, CacheService

BRANCH = "refs/heads/feature"


class CacheServiceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.service = cls.enterClassContext(CacheService())

    def setUp(self) -> None:
        self.service.control("reset", {"entries": True})
        self.service.control("settings", {"uploads_per_minute": 200, "quota_bytes": 10 << 30,
                                          "newest": "created", "url_lifetime": 3600,
                                          "rest_writes": True})
        self.token = self.service.token()

    def create(self, key: str, token: str = "", version: str = "v") -> tuple[int, dict]:
        return self.service.twirp("CreateCacheEntry", token or self.token, key=key, version=version)

    def finalise(self, key: str, size: int) -> tuple[int, dict]:
        return self.service.twirp("FinalizeCacheEntryUpload", self.token, key=key, version="v",
                                  size_bytes=size)

    def test_what_was_saved_is_restored(self) -> None:
        self.assertTrue(self.service.save(self.token, "k", b"content"))

        self.assertEqual(self.service.restore(self.token, "k"), b"content")
        self.assertIsNone(self.service.restore(self.token, "other"))

    def test_an_entry_is_created_once(self) -> None:
        self.service.save(self.token, "k", b"first")

        status, answer = self.create("k")

        self.assertEqual((status, answer["code"]), (409, "already_exists"))
        self.assertEqual(answer["msg"], answer["message"])
        self.assertEqual(self.service.restore(self.token, "k"), b"first")

    def test_a_reservation_is_invisible_and_blocks_its_name(self) -> None:
        self.create("k")

        self.assertIsNone(self.service.find(self.token, "k"))
        self.assertEqual(self.create("k")[0], 409)

    def test_the_version_must_match(self) -> None:
        self.service.save(self.token, "k", b"x", version="one")

        self.assertIsNone(self.service.find(self.token, "k", version="two"))

    def test_finalising_checks_the_size_and_happens_once(self) -> None:
        _, created = self.create("k")
        self.service.put(created["signed_upload_url"], b"12345")

        self.assertEqual(self.finalise("k", 4)[0], 400)
        self.assertEqual(self.finalise("k", 5),
                         (200, {"ok": True, "entry_id": self.entry_id("k")}))
        self.assertEqual(self.finalise("k", 5)[0], 404)

    def entry_id(self, key: str) -> str:
        return next(str(entry["id"]) for entry in self.service.control("entries")
                    if entry["key"] == key)

    def test_exact_beats_prefix_and_newer_beats_older(self) -> None:
        for key in ("a-1", "a-3", "a-2"):
            self.service.save(self.token, key, b"x")

        self.assertEqual(self.service.find(self.token, "a-1"), "a-1")
        self.assertEqual(self.service.find(self.token, "a-"), "a-2")
        self.assertEqual(self.service.find(self.token, "b", "a-3"), "a-3")

    def test_newest_goes_by_creation_or_by_finalisation_as_set(self) -> None:
        _, early = self.create("a-1")
        self.service.save(self.token, "a-2", b"x")
        self.service.put(early["signed_upload_url"], b"x")
        self.finalise("a-1", 1)
        self.assertEqual(self.service.find(self.token, "a-"), "a-2")

        self.service.control("settings", {"newest": "finalised"})
        _, early = self.create("b-1")
        self.service.save(self.token, "b-2", b"x")
        self.service.put(early["signed_upload_url"], b"x")
        self.finalise("b-1", 1)
        self.assertEqual(self.service.find(self.token, "b-"), "b-1")

    def test_scopes_come_before_keys(self) -> None:
        branch = self.service.token([[BRANCH, READ_WRITE], [MAIN, READ_ONLY]])
        self.service.save(self.token, "k-exact", b"main")
        self.service.save(branch, "k-exact-longer", b"branch")

        self.assertEqual(self.service.find(branch, "k-exact"), "k-exact-longer")
        self.assertEqual(self.service.find(self.token, "k-exact"), "k-exact")

    def test_a_scope_does_not_block_names_in_another(self) -> None:
        branch = self.service.token([[BRANCH, READ_WRITE], [MAIN, READ_ONLY]])
        self.service.save(self.token, "k", b"main")

        self.assertTrue(self.service.save(branch, "k", b"branch"))

        self.assertEqual(self.service.restore(branch, "k"), b"branch")
        self.assertEqual(self.service.restore(self.token, "k"), b"main")

    def test_repositories_do_not_see_each_other(self) -> None:
        self.service.save(self.token, "k", b"x")

        self.assertIsNone(self.service.find(self.service.token(repository="octo/other"), "k"))

    def test_a_token_without_writable_scope_is_told_so(self) -> None:
        reader = self.service.token([[MAIN, READ_ONLY]])
        self.service.save(self.token, "k", b"x")

        status, answer = self.create("new", reader)

        self.assertEqual((status, answer["ok"]), (200, False))
        self.assertTrue(answer["message"].startswith("cache write denied:"))
        self.assertEqual(self.service.restore(reader, "k"), b"x")

    def test_a_token_without_readable_scope_is_told_so(self) -> None:
        status, answer = self.service.twirp("GetCacheEntryDownloadURL",
                                            self.service.token([[MAIN, 2]]), key="k", version="v")

        self.assertEqual(status, 403)
        self.assertIn("cache read denied:", answer["msg"])

    def test_tokens_are_checked(self) -> None:
        for token in ("", "no.jwt.here", self.token + "x", self.service.token(seconds=-1)):
            self.assertEqual(self.create("k", token or "none")[0], 401)

    def test_uploads_are_limited_per_minute_and_repository(self) -> None:
        self.service.control("settings", {"uploads_per_minute": 3})
        for key in "abc":
            self.create(key)

        status, headers, _ = self.service.request(
            "POST", TWIRP + "CreateCacheEntry", json.dumps({"key": "d", "version": "v"}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"})

        self.assertEqual(status, 429)
        self.assertLessEqual(int(headers["Retry-After"]), 60)
        self.assertEqual(self.create("d", self.service.token(repository="octo/other"))[0], 200)
        self.service.control("advance", {"seconds": int(headers["Retry-After"])})
        self.assertEqual(self.create("d", self.service.token())[0], 200)
        self.assertEqual(self.service.counters()["rate_limited"], 1)

    def test_over_the_quota_the_least_recently_used_goes(self) -> None:
        self.service.control("settings", {"quota_bytes": 25})
        self.service.save(self.token, "a", b"0123456789")
        self.service.save(self.token, "b", b"0123456789")
        self.service.find(self.token, "a")

        self.service.save(self.token, "c", b"0123456789")

        self.assertEqual([self.service.find(self.token, key) for key in "abc"], ["a", None, "c"])

    def test_blocks_count_in_the_order_of_the_list(self) -> None:
        _, created = self.create("k")
        url = created["signed_upload_url"]
        for block, content in (("Mg==", b"two"), ("MQ==", b"wrong"), ("MQ==", b"one")):
            status, _, _ = self.service.request("PUT", f"{url}&comp=block&blockid={block}", content)
            self.assertEqual(status, 201)
        listed = b"<BlockList><Latest>MQ==</Latest><Latest>Mg==</Latest></BlockList>"

        self.assertEqual(self.service.request("PUT", f"{url}&comp=blocklist", listed)[0], 201)
        self.finalise("k", 6)

        self.assertEqual(self.service.restore(self.token, "k"), b"onetwo")

    def test_a_list_of_unknown_blocks_and_append_blobs_are_refused(self) -> None:
        _, created = self.create("k")
        url = created["signed_upload_url"]

        listed = self.service.request("PUT", f"{url}&comp=blocklist",
                                      b"<BlockList><Latest>MQ==</Latest></BlockList>")
        append = self.service.request("PUT", url, b"", {"x-ms-blob-type": "AppendBlob"})

        self.assertEqual((listed[0], append[0]), (400, 400))

    def test_urls_are_signed_for_one_purpose_and_expire(self) -> None:
        _, created = self.create("k")
        url = created["signed_upload_url"]

        self.assertEqual(self.service.request("GET", url)[0], 403)
        self.assertEqual(self.service.put(url.replace("sig=", "sig=x"), b"x"), 403)
        self.assertEqual(self.service.put(url, b"x"), 201)
        self.service.control("advance", {"seconds": 3601})
        self.assertEqual(self.service.put(url, b"x"), 403)

    def test_ranges_are_answered_with_206(self) -> None:
        self.service.save(self.token, "k", b"0123456789")
        _, found = self.service.twirp("GetCacheEntryDownloadURL", self.token, key="k", version="v")
        url = found["signed_download_url"]

        status, headers, body = self.service.request("GET", url, headers={"Range": "bytes=2-4"})

        self.assertEqual((status, headers["Content-Range"], body),
                         (206, "bytes 2-4/10", b"234"))
        self.assertEqual(self.service.request("GET", url, headers={"Range": "bytes=8-99"})[2], b"89")
        self.assertEqual(self.service.request("GET", url, headers={"Range": "bytes=10-"})[0], 416)

    def test_both_spellings_of_json_are_understood(self) -> None:
        _, created = self.create("k")
        self.service.put(created["signed_upload_url"], b"x")

        status, _ = self.service.twirp("FinalizeCacheEntryUpload", self.token, key="k", version="v",
                                       sizeBytes="1")

        self.assertEqual(status, 200)
        _, found = self.service.twirp("GetCacheEntryDownloadURL", self.token, key="other",
                                      restoreKeys=["k"], version="v")
        self.assertEqual(found["matched_key"], "k")

    def test_protobuf_is_understood(self) -> None:
        self.service.save(self.token, "prefix-1", b"x")
        body = b"".join(messages.varint(number << 3 | 2) + messages.varint(len(text)) + text
                        for number, text in ((2, b"none"), (3, b"other"), (3, b"prefix-"), (4, b"v")))

        status, headers, answer = self.service.request(
            "POST", TWIRP + "GetCacheEntryDownloadURL", body,
            {"Content-Type": "application/protobuf", "Authorization": f"Bearer {self.token}"})

        self.assertEqual((status, headers["Content-Type"]), (200, "application/protobuf"))
        self.assertEqual(answer[:2], b"\x08\x01")
        self.assertTrue(answer.endswith(b"\x1a\x08prefix-1"))

    def test_version_one_saves_and_restores(self) -> None:
        bearer = {"Authorization": f"Bearer {self.token}"}
        where = "_apis/artifactcache/"
        status, _, answer = self.service.request(
            "POST", where + "caches", json.dumps({"key": "k-1", "version": "v"}).encode(), bearer)
        self.assertEqual(status, 201)
        number = json.loads(answer)["cacheId"]
        for first, content in ((3, b"lo"), (0, b"hel")):
            self.service.request("PATCH", f"{where}caches/{number}", content, bearer | {
                "Content-Range": f"bytes {first}-{first + len(content) - 1}/*"})
        self.assertEqual(self.service.request("GET", where + "cache?keys=k-1&version=v",
                                              headers=bearer)[0], 204)
        self.service.request("POST", f"{where}caches/{number}", b'{"size": 5}', bearer)

        status, _, answer = self.service.request("GET", where + "cache?keys=none%2Ck-&version=v",
                                                 headers=bearer)

        self.assertEqual((status, json.loads(answer)["cacheKey"]), (200, "k-1"))
        self.assertEqual(self.service.request("GET", json.loads(answer)["archiveLocation"])[2],
                         b"hello")
        again = self.service.request("POST", where + "caches",
                                     json.dumps({"key": "k-1", "version": "v"}).encode(), bearer)
        self.assertEqual(again[0], 409)

    def test_rest_lists_and_deletes(self) -> None:
        for key in ("a-1", "a-2", "b-1"):
            self.service.save(self.token, key, b"12")
        where = "repos/octo/project/actions/"
        bearer = {"Authorization": "Bearer ghs_emulator"}

        _, _, answer = self.service.request("GET", where + "caches?key=a-&per_page=1&page=2",
                                            headers=bearer)
        listed = json.loads(answer)
        self.assertEqual((listed["total_count"], len(listed["actions_caches"])), (2, 1))
        _, _, usage = self.service.request("GET", where + "cache/usage", headers=bearer)
        self.assertEqual(json.loads(usage)["active_caches_size_in_bytes"], 6)

        number = listed["actions_caches"][0]["id"]
        self.assertEqual(self.service.request("DELETE", f"{where}caches/{number}",
                                              headers=bearer)[0], 204)
        self.assertEqual(self.service.request("DELETE", where + "caches?key=b-1",
                                              headers=bearer)[0], 200)
        self.assertEqual(self.service.request("DELETE", where + "caches?key=b-1",
                                              headers=bearer)[0], 404)
        self.assertEqual(self.service.request("GET", where + "caches")[0], 401)
        self.service.control("settings", {"rest_writes": False})
        self.assertEqual(self.service.request("DELETE", where + "caches?key=a-1",
                                              headers=bearer)[0], 403)

    def test_faults_happen_on_the_call_they_are_for(self) -> None:
        self.service.faults({"method": "GetCacheEntryDownloadURL", "nth": 2, "kind": "status",
                             "status": 502})
        statuses = []
        for _ in range(3):
            status, _, _ = self.service.request(
                "POST", TWIRP + "GetCacheEntryDownloadURL", b'{"key": "k", "version": "v"}',
                {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"})
            statuses.append(status)

        self.assertEqual(statuses, [200, 502, 200])

    def test_connections_break_as_asked(self) -> None:
        self.service.save(self.token, "k", b"0123456789")
        _, found = self.service.twirp("GetCacheEntryDownloadURL", self.token, key="k", version="v")
        url = found["signed_download_url"]
        self.service.faults({"method": "blob.get", "nth": 1, "kind": "truncate"},
                            {"method": "blob.get", "nth": 2, "kind": "flip"},
                            {"method": "blob.get", "nth": 3, "kind": "reset"},
                            {"method": "blob.get", "nth": 4, "kind": "stall", "seconds": 0.2})

        with self.assertRaises(http.client.IncompleteRead) as cut:
            self.service.request("GET", url)
        self.assertEqual(cut.exception.partial, b"01234")
        self.assertEqual(self.service.request("GET", url)[2], b"0123446789")
        with self.assertRaises((urllib.error.URLError, http.client.HTTPException, OSError)):
            self.service.request("GET", url)
        began = time.monotonic()
        with self.assertRaises((urllib.error.URLError, http.client.HTTPException, OSError)):
            self.service.request("GET", url)
        self.assertGreater(time.monotonic() - began, 0.2)

    def test_a_lost_answer_is_of_something_that_was_done(self) -> None:
        self.service.faults({"method": "CreateCacheEntry", "kind": "lose"})

        with self.assertRaises((urllib.error.URLError, http.client.HTTPException, OSError)):
            self.create("k")

        self.assertEqual(self.create("k")[0], 409)


if __name__ == "__main__":
    unittest.main()
