"""What a person does on the explorer's page, in a real browser; prints what the page then shows, as JSON.

    page.py served ADDRESS PICTURE.png     a page of a running server with several models
    page.py contained PAGE.html NETWORK.js a page in a file
    page.py training ADDRESS RELEASE       a page of a run that trains until the file RELEASE is there
    page.py models ADDRESS ...             a page each: what a slider shows, and how long that takes
    page.py decoders NETWORK.js PAGE ...   pages in files: what their decoders compute, and how long that takes
"""

import base64
import json
import os
import sys

from chromium import Chromium

# How often what is timed is done: often enough for a median and a 95th percentile where they are asked for.
DECODES, MOVES = (40, 25) if "ZOO_LATENCY" in os.environ else (3, 5)

# Helpers in the page: what is drawn, and the latent vector as the command says it.
HELPERS = """
window.probe = {
  pixels(id) {
    const canvas = document.querySelector(`#${id} canvas`);
    const copy = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
    copy.getContext("2d", {willReadFrequently: true}).drawImage(canvas, 0, 0);
    const {data} = copy.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return Array.from(data).filter((_, i) => i % 4 !== 3);
  },
  command(id) {
    document.getElementById(id).click();
    const text = document.getElementById("command").textContent;
    document.getElementById("command-dialog").close();
    return text;
  },
  latent() { return /--latent=(\\S+)/.exec(probe.command("picture-command"))?.[1].split(",").map(Number) ?? null; },
  show() { return {latent: probe.latent(), pixels: probe.pixels("decoded")}; },
  count() { return performance.getEntriesByName("slider to picture").length; },
};
"""

# The contrast of every text with what is behind it (WCAG 2.1, 1.4.3); 4.5 and more is asked for.
CONTRAST = """
(() => {
  const channel = value => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0.5) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!hasText || element.closest("option, script, style") || !element.checkVisibility() || element.disabled) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(`${element.tagName} "${element.textContent.trim().slice(0, 30)}" ${contrast.toFixed(2)}`);
  }
  return poor;
})()
"""


def ready(browser):
    browser.wait("document.querySelector('#samples .tile') && document.querySelector('#traversal .tile')")
    browser.wait("document.getElementById('map-note').textContent.includes('images of')")
    browser.wait("document.querySelector('#pictures[aria-busy=false]')")
    browser.run(HELPERS)


def do(browser, script):
    """Does something that shows another picture, and waits for it."""
    before = browser.run("probe.count()")
    browser.run(script)
    browser.wait(f"probe.count() > {before} && document.querySelector('#pictures[aria-busy=false]')")


def move_slider(browser, place, share):
    do(browser, f"""(() => {{
      const input = document.querySelectorAll("#sliders input")[{place}];
      input.value = Number(input.min) + {share} * (input.max - input.min);
      input.dispatchEvent(new Event("input"));
    }})()""")


def click_map(browser, x, y):
    do(browser, f"""(() => {{
      const map = document.getElementById("map");
      const {{left, top}} = map.getBoundingClientRect();
      map.dispatchEvent(new MouseEvent("click", {{clientX: left + {x}, clientY: top + {y}, bubbles: true}}));
    }})()""")


def common(browser, found):
    found["start"] = browser.run("probe.show()")
    move_slider(browser, 0, 0.9)
    move_slider(browser, 1, 0.2)
    found["slider"] = browser.run("probe.show()")
    # A corner of the map has no points.
    click_map(browser, 3, 3)
    found["map"] = browser.run("probe.show()")
    # In a plane of neighbourhoods, too.
    browser.run("""(() => {
      const axes = document.getElementById("axes");
      axes.value = "tsne";
      axes.dispatchEvent(new Event("change"));
    })()""")
    browser.wait("document.getElementById('map-note').textContent.includes('nearest points')")
    click_map(browser, 150, 100)
    found["neighbourhoods"] = browser.run("probe.show()")
    for theme in ("light", "dark"):
        browser.run(f"document.documentElement.dataset.theme = '{theme}'")
        browser.run("new Promise(done => setTimeout(done, 300))")
        found[f"contrast-{theme}"] = browser.run(CONTRAST)
    found["unnamed"] = browser.unnamed()
    browser.resize(390, 800)
    browser.run("new Promise(done => setTimeout(done, 300))")
    found["overflow"] = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    browser.resize(1400, 1000)


def search(browser, index):
    do(browser, f"""(() => {{
      const search = document.getElementById("search");
      search.value = {index};
      search.dispatchEvent(new Event("change"));
    }})()""")
    return browser.run("""({
      command: probe.command("picture-command"), original: probe.pixels("original"), decoded: probe.pixels("decoded"),
      caption: document.querySelector("#decoded figcaption").textContent,
      neighbours: document.querySelectorAll("#neighbours .tile").length})""")


def served(browser, address, picture):
    found = {}
    browser.open(address)
    ready(browser)
    common(browser, found)
    with open(picture, "rb") as file:
        content = base64.b64encode(file.read()).decode()
    do(browser, f"""(() => {{
      const bytes = Uint8Array.from(atob("{content}"), c => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], "dropped.png", {{type: "image/png"}}));
      document.dispatchEvent(new DragEvent("drop", {{dataTransfer: data, bubbles: true}}));
    }})()""")
    found["file"] = {**browser.run("probe.show()"), "original": browser.run("probe.pixels('original')")}
    found["image"] = search(browser, int(browser.run("document.getElementById('search').max")) - 3)
    choose = """(() => { const other = document.getElementById("other"); other.value = "%d"; other.dispatchEvent(new Event("change")); })()"""
    move_slider(browser, 0, 0.4)
    do(browser, choose % 1)
    found["same-latent"] = {**browser.run("probe.show()"), "other": browser.run("probe.pixels('compared')")}
    do(browser, choose % 2)
    found["other-size"] = {"other": browser.run("probe.pixels('compared')"), "mode": browser.run("document.getElementById('same-image').getAttribute('aria-pressed')")}
    found["traversal-command"] = browser.run("""(() => {
      [...document.querySelectorAll("#traversal button")].find(button => button.textContent === "Command").click();
      const text = document.getElementById("command").textContent; document.getElementById("command-dialog").close(); return text; })()""")
    browser.run("document.activeElement.blur()")
    for key in "r0d":
        browser.run(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
    browser.run("new Promise(done => setTimeout(done, 400))")
    found["seed"] = browser.run("document.getElementById('seed').value")
    found["reset"] = browser.run("probe.latent()")
    return found


# WebGL 2 computed by the processor (SwiftShader): slow, so that pages do not use it by themselves, but the same shaders.
GRAPHICS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def decoder(browser, network):
    """The numbers of the page's first decoder before they become bytes, by arrays and by shaders where there are such, how long
    decoding takes, and the code that the encoder makes of these numbers."""
    with open(network) as file:
        source = file.read()
    return browser.run(f"""(() => {{ {source}
      const content = JSON.parse(document.getElementById("contained").textContent);
      const bytes = Uint8Array.from(atob(content.weights), c => c.charCodeAt(0));
      const [model] = content.models;
      const decoder = new Network(model.decoder, halves(bytes));
      const latent = Array.from({{length: model.summary.latentSize}}, (_, d) => Math.fround(Math.sin(3 * d + 1)));
      const imageClass = Array.from({{length: model.summary.classCount ?? 0}}, (_, k) => k === 0 ? 1 : 0);
      const times = Array.from({{length: {DECODES}}}, () => {{
        const started = performance.now();
        decoder.run({{latent, imageClass}});
        return performance.now() - started;
      }});
      let shaders = null;
      try {{ shaders = Array.from(new ShaderNetwork(model.decoder, halves(bytes), document.createElement("canvas").getContext("webgl2")).run({{latent, imageClass}}).image); }} catch (error) {{ shaders = String(error); }}
      const {{image}} = decoder.run({{latent, imageClass}});
      const {{mean}} = new Network(model.encoder, halves(bytes)).run({{image, imageClass}});
      return {{latent, shaders, image: Array.from(image), mean: Array.from(mean), times, digest: sha256(bytes) === content.weightsDigest}};
    }})()""")


def decoders(browser, network, *pages):
    found = []
    for page in pages:
        browser.open(f"file://{page}")
        browser.wait("document.querySelector('#traversal .tile')")
        found.append({**decoder(browser, network), "page": browser.run("(() => { " + HELPERS + " return probe.show(); })()")})
    return {"pages": found}


def models(browser, *addresses):
    found = []
    for address in addresses:
        browser.open(address)
        browser.wait("document.querySelector('#traversal .tile')")
        browser.run(HELPERS)
        browser.run("performance.clearMeasures()")
        for i in range(MOVES):
            move_slider(browser, 0, (i % 10 + 0.5) / 10)
        times = browser.run("performance.getEntriesByName('slider to picture').map(entry => entry.duration)")
        found.append({**browser.run("probe.show()"), "times": times})
    return {"pages": found}


def contained(browser, path, network):
    found = {}
    browser.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
    browser.open(f"file://{path}")
    ready(browser)
    common(browser, found)
    found["image"] = search(browser, browser.run("JSON.parse(document.getElementById('contained').textContent).models[0].map.indices[5]"))
    found["numbers"] = decoder(browser, network)
    found["requests"] = [address for address in browser.requests() if not address.startswith(("file:", "data:", "blob:"))]
    return found


def training(browser, address, release):
    browser.open(address)
    browser.wait("document.querySelector('#traversal .tile')")
    browser.run(HELPERS)
    before = browser.run("probe.pixels('decoded').join()")
    browser.run("document.getElementById('view-training').click()")
    state = """({
      row: document.querySelector('#runs tbody tr')?.textContent ?? "", curves: document.querySelectorAll('#curves polyline, #curves circle').length,
      moments: Number(document.getElementById('moment').max), picture: document.getElementById('moment-picture').naturalWidth})"""
    browser.wait(f"{state}.row.includes('running') && {state}.picture > 0")
    found = {"running": browser.run(state)}
    open(release, "w").close()
    browser.wait(f"{state}.row.includes('finished')")
    # The model is loaded anew when its run has ended.
    browser.run("document.getElementById('view-explore').click()")
    browser.wait(f"probe.pixels('decoded').join() !== {json.dumps(before)} && document.querySelector('#pictures[aria-busy=false]')")
    browser.wait("document.getElementById('facts').textContent.includes('step 24')")
    return {**found, "finished": browser.run(state), **browser.run("probe.show()")}


browser = Chromium(graphics=GRAPHICS if sys.argv[1] == "decoders" else ())
try:
    result = {"served": served, "training": training, "contained": contained, "models": models, "decoders": decoders}[sys.argv[1]](browser, *sys.argv[2:])
    # What the browser says of its own WebGL is none of the page's.
    result["problems"] = [problem for problem in browser.problems() if "WebGL" not in problem or sys.argv[1] != "decoders"]
    print(json.dumps(result))
finally:
    browser.close()
