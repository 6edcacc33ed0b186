// The outlines of the world as a layer of Leaflet's: new L.Outlines().addTo(map).show({ land, borders })
//
// - lines are told as hatch_build.py makes them; the colours are the map's --map-land, --map-coast and --map-border
// - they are drawn in squares, so that there is something to see wherever the map is dragged
"use strict";

(() => {
  const PARTS = 100; // of a degree, in which lines are told

  // The points of a line on the square that is the whole world (Web Mercator), and what they lie between.
  function line(steps) {
    const points = new Float64Array(steps.length);
    let longitude = 0, latitude = 0, west = Infinity, east = -Infinity, north = Infinity, south = -Infinity;
    for (let place = 0; place < steps.length; place += 2) {
      longitude += steps[place];
      latitude += steps[place + 1];
      const sine = Math.sin((Math.max(-89, Math.min(89, latitude / PARTS)) * Math.PI) / 180);
      const x = longitude / PARTS / 360 + 0.5, y = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
      points[place] = x;
      points[place + 1] = y;
      west = Math.min(west, x), east = Math.max(east, x), north = Math.min(north, y), south = Math.max(south, y);
    }
    return { points, west, east, north, south };
  }

  // Adds a line to the drawing's path. Of many points in a row beyond one edge the first and the last will do.
  function follow(drawing, points, across, down, pixels) {
    let before = 0, left = -1;
    for (let place = 0; place < points.length; place += 2) {
      const x = across(points[place]), y = down(points[place + 1]);
      const beyond = x < -2 ? 1 : x > pixels + 2 ? 2 : y < -2 ? 3 : y > pixels + 2 ? 4 : 0;
      if (place && beyond && beyond === before) {
        left = place;
        continue;
      }
      if (left >= 0) drawing.lineTo(across(points[left]), down(points[left + 1]));
      if (place) drawing.lineTo(x, y);
      else drawing.moveTo(x, y);
      before = beyond;
      left = -1;
    }
    if (left >= 0) drawing.lineTo(across(points[left]), down(points[left + 1]));
  }

  // Adds what is seen of these lines in a square of the map to the drawing's path.
  function trace(drawing, lines, square, pixels) {
    const many = 2 ** square.z, rim = 2 / pixels;
    for (const { points, west, east, north, south } of lines) {
      if (south * many < square.y - rim || north * many > square.y + 1 + rim) continue;
      // A line that goes on beyond one edge of the world is seen at the other one, too.
      for (const around of [-1, 0, 1]) {
        if ((east + around) * many < square.x - rim || (west + around) * many > square.x + 1 + rim) continue;
        follow(drawing, points, (x) => ((x + around) * many - square.x) * pixels, (y) => (y * many - square.y) * pixels, pixels);
      }
    }
  }

  L.Outlines = L.GridLayer.extend({
    options: { updateInterval: 50, keepBuffer: 1 },

    show({ land, borders }) {
      this._land = land.map(line);
      this._borders = borders.map(line);
      this.known = true;
      this.recolour();
    },

    recolour() {
      if (!this.known) return;
      const style = getComputedStyle(this._map.getContainer());
      this._colours = Object.fromEntries(
        ["land", "coast", "border"].map((name) => [name, style.getPropertyValue(`--map-${name}`).trim()]),
      );
      this.redraw();
    },

    createTile(square) {
      const tile = document.createElement("canvas");
      const sharp = Math.min(devicePixelRatio, 2), pixels = Math.round(this.getTileSize().x * sharp);
      tile.width = tile.height = pixels;
      if (!this.known) return tile;
      const drawing = tile.getContext("2d");
      drawing.lineWidth = sharp;
      drawing.lineJoin = "round";
      drawing.beginPath();
      trace(drawing, this._land, square, pixels);
      drawing.fillStyle = this._colours.land;
      drawing.fill("evenodd"); // A lake is a ring in a ring.
      drawing.strokeStyle = this._colours.coast;
      drawing.stroke();
      drawing.beginPath();
      trace(drawing, this._borders, square, pixels);
      drawing.strokeStyle = this._colours.border;
      drawing.stroke();
      return tile;
    },
  });
})();
