// Builds the scene as a composition: File > Scripts > Run Script File. Written by cartoonedit.
// Keep this file beside its folder "layers". After Effects CS6 or newer.
(function () {
    var scene = __SCENE__;
    var here = new File($.fileName).parent;

    function footage(layer) {
        // In the notation of a URI, in which no letter of a name means anything else.
        var file = new File(here.absoluteURI + "/layers/" + encodeURIComponent(layer.file));
        if (!file.exists) {
            throw new Error("there is no file " + decodeURI(file.absoluteURI));
        }
        var item = app.project.importFile(new ImportOptions(file));
        item.mainSource.alphaMode = AlphaMode.STRAIGHT;
        return item;
    }

    function composition(name, width, height) {
        return app.project.items.addComp(name, width, height, 1, scene.duration, scene.fps);
    }

    function transform(layer, matchName) {
        return layer.property("ADBE Transform Group").property(matchName);
    }

    function animate(property, values) {
        if (values.length === 1) {
            property.setValue(values[0]);
        } else {
            property.setValuesAtTimes(scene.camera.times, values);
        }
    }

    // From the back to the front: each new layer comes to lie on top.
    function addLayers(comp) {
        for (var i = 0; i < scene.layers.length; i++) {
            var layer = comp.layers.add(footage(scene.layers[i]));
            layer.name = scene.layers[i].name;
            layer.threeDLayer = true;
            transform(layer, "ADBE Position").setValue([
                comp.width / 2, comp.height / 2, scene.layers[i].z
            ]);
            var scale = scene.layers[i].scale;
            transform(layer, "ADBE Scale").setValue([scale, scale, scale]);
        }
    }

    function addCamera(comp) {
        var camera = comp.layers.addCamera("camera", [comp.width / 2, comp.height / 2]);
        camera.autoOrient = AutoOrientType.NO_AUTO_ORIENT;
        var positions = [];
        for (var i = 0; i < scene.camera.position.length; i++) {
            var place = scene.camera.position[i];
            positions.push([comp.width / 2 + place[0], comp.height / 2 + place[1], place[2]]);
        }
        animate(transform(camera, "ADBE Position"), positions);
        animate(
            camera.property("ADBE Camera Options Group").property("ADBE Camera Zoom"),
            scene.camera.zoom
        );
    }

    // A camera cannot shift its lens, but a window can slide over what it sees.
    function addWindow(inner) {
        var comp = composition(scene.name, scene.width, scene.height);
        var layer = comp.layers.add(inner);
        var positions = [];
        for (var i = 0; i < scene.camera.shift.length; i++) {
            var shift = scene.camera.shift[i];
            positions.push([scene.width / 2 + shift[0], scene.height / 2 + shift[1]]);
        }
        animate(transform(layer, "ADBE Position"), positions);
        return comp;
    }

    app.beginUndoGroup("Import " + scene.name);
    try {
        var margin = scene.margin;
        var comp = composition(
            margin ? scene.name + " space" : scene.name,
            scene.width + 2 * margin,
            scene.height + 2 * margin
        );
        addLayers(comp);
        addCamera(comp);
        (margin ? addWindow(comp) : comp).openInViewer();
    } catch (error) {
        alert("cartoonedit: " + error.message);
    } finally {
        app.endUndoGroup();
    }
}());
