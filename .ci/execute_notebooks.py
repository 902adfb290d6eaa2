"""Executes notebooks by nbclient: reads them as JSON from standard input, and writes them with their outputs, a line of JSON each."""
import json
import queue
import sys

import nbclient
import nbformat


OUTPUTS = ["stream", "display_data", "update_display_data", "execute_result"]


class PatientClient(nbclient.NotebookClient):
    """Also takes what Deno's kernel sends after it has said that a cell is done."""

    async def async_execute_cell(self, cell, cell_index, *args, **options):
        cell = await super().async_execute_cell(cell, cell_index, *args, **options)
        try:
            while cell.cell_type == "code":
                message = await self.kc.get_iopub_msg(timeout=0.2)
                if message["msg_type"] in OUTPUTS:
                    self.process_message(message, cell, cell_index)
        except queue.Empty:
            pass
        return cell


for notebook in json.load(sys.stdin):
    nb = nbformat.reads(json.dumps(notebook["content"]), as_version=4)
    where = {"metadata": {"path": notebook["folder"]}}
    PatientClient(nb, kernel_name="deno", timeout=300, resources=where).execute()
    print(json.dumps({"name": notebook["name"], "content": json.loads(nbformat.writes(nb))}), flush=True)
